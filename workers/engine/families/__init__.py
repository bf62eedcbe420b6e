"""What the methods of one family share, so that a method's file only composes."""
