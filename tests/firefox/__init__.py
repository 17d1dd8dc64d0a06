"""The chat page in Firefox: `make test-firefox`."""
