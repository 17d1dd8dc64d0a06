"""The demo site, with an assistant that needs no model, beside a bare view to compare it with."""
