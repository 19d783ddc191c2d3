"""How it goes: metrics, roll-ups and dashboards; reads everything, decides nothing."""
