"""Who a caller is: tokens verified by Firebase, or signed by this server in development."""
