"""The project itself: settings, root addresses, health and the commands. The only room that knows every module."""
