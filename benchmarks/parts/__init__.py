"""The benchmark's parts: each is a function from the setting to a list of rows.

speed : how fast the engine trains, and how soon it reaches an error.
small : many small trainings, where starting costs more than computing.
reached : what the trained models reach.
clusters : how well and how fast images are clustered.
robust : memory, equal results, killed trainings.
"""
