"""The firm's file drop: plans and the systems' own reports, delivered day by day with manifests."""
