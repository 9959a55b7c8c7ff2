"""The pages about contacts: thin doors that take input, call one domain function and show its result."""
