"""Models of frames: pairs of frames, and a fitted autoencoder with the map from its latents."""
