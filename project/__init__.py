"""The demo site: how a Django project uses chatstore."""
