"""The phase portrait: its panel, projection, background, data points and their editing."""
