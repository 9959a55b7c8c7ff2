"""What the intake benchmark serves beside Rebound: the views that are its floors."""
