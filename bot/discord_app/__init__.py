"""The Discord side: client, cogs, views and downloads; the conversation itself is `bot.conversation`."""
