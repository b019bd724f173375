"""The simulated consulting firm: its process state, the simulator that advances it and the faults that
strike it."""
