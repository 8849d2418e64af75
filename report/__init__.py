"""What a stack costs, carries and emits: from the resources that the engine plans, with the source of every figure."""
