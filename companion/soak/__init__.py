"""Long runs on the offline clock, with faults at random: what an evening on stage may bring."""
