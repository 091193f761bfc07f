"""State of the window without any widget: document with undo, settings, playback, frame clock."""
