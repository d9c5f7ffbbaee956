"""The built-in policy `seeker`: fixed rules that seek evidence with the tools, without a language model."""
