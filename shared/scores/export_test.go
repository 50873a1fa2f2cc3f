package scores

// RowOf gives tests the meanings of the columns, which files do not contain.
var RowOf = rowOf
