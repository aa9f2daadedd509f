"""How a network is run: the plan, the reference engine and the native one."""
