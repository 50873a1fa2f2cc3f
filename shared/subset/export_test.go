package subset

// WriteRange is for benchmarks, which write a part more than once.
var WriteRange = (*Selector).writePart
