"""What a store can do beside carrying events: what operators ask of it, and have it do. One file for each matter."""
