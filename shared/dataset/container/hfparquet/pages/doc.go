// Package pages reads the values of a column of a Parquet file, page by page. A reader holds one page of each column
// and knows before how large it may be: sizes that a file promises are checked before anything is allocated, and a page
// is decompressed into as many bytes as its header says and no more. Bytes that no writer produces are errors.
//
// parquet-go, which writes files, decodes pages too. It decompresses as much as comes, takes the codec of a column from
// its first row group, reads LZ4 as zeros, and panics where levels and values contradict each other.
package pages
