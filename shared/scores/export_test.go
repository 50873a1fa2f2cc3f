package scores

// RowOf is what tests see of the schema that files do not hold: what each column means.
var RowOf = rowOf
