"""The demo site in the clothes of other admin themes: settings laid over the project's."""
