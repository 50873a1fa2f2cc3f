"""The HTTP service: settings, queue, routes, metrics and the process."""
