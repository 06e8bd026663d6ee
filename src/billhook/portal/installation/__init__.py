"""Settings from the environment, the data folder and the logs of this installation."""
