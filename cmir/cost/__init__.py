"""Resources of a chip that one iteration takes: crossbars, vector lanes, SRAM accesses, traffic."""
