"""What is pure about MetalLB: its release manifest, its pools, what answers at their addresses."""
