"""What a pattern says about the structure: intensities, models of it, and the electron density behind them."""
