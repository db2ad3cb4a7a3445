"""InterSystems IRIS: its metrics, its ^SystemPerformance, and what protects its host."""
