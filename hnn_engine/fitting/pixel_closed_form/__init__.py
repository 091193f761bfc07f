"""The recipe for models of frames in closed form. Frames of swings lie along one open curve, so every layer can be
solved or drawn: principal components, principal curve, slow feature, autoencoder, field; `recipe` runs the steps."""
