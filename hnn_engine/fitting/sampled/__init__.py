"""The recipe `sampled`: a model that sees frames, in closed form. Frames of swings lie along one open curve, so every
layer can be solved or drawn: `films`, `curve`, `angle`, `autoencoder`, `field`, and all together in `whole`."""
