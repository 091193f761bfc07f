"""The main window: docks, menus, presets, session actions, shutdown."""
