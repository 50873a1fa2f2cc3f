// Package pages reads the values of a column of a Parquet file, page by page. A reader keeps one page of each column in
// memory. Sizes in a file are checked before memory is allocated, and a page is decompressed into exactly the number of
// bytes in its header. Bytes that no writer produces are errors.
//
// parquet-go, which writes files, can decode pages, too. But it decompresses without a limit, uses the codec of a
// column's first row group for all row groups, reads LZ4 as zeros, and panics if levels and values contradict each
// other.
package pages
