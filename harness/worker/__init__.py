"""The worker process: trains one network, or measures one subject, in the plugin's interpreter."""
