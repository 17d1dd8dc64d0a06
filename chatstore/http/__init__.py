"""
Views, the limits of request bodies, and the ASGI wrapper.

HTTP only: authentication, CSRF, reading the request and sending the response. What a request does
is decided in chatstore.server and chatstore.attachments.
"""
