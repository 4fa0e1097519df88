"""Who acts: users, their roles in organisations, sign-in, second factor, sessions and API tokens."""
