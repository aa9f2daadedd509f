"""Other frameworks' own objects, both ways; nothing here is imported before it is asked for."""
