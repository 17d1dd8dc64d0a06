"""HTTP, and nothing else: who asks, what came in, and how the server's answer is sent."""
