"""The app's screens: they hold what is looked at and route keys and messages to the widgets."""
