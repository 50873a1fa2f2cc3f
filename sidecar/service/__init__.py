"""The HTTP side: settings, queue, routes, metrics and the process."""
