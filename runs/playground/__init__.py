"""Chats with models: models held ready, answers token by token, blind comparisons and their votes, OpenAI's shapes."""
