// Package hfparquet reads and writes Parquet files in the form of Hugging Face's datasets library: each row is a
// record, and images are in binary columns next to the texts, in structs {bytes, path}.
//
// Planning reads the footer. The JSON of rows is made without reading the columns of images: the counts in the footer,
// and the column path next to the images, show which images are null. Only if a file lacks this information, the images
// are read too. Images are read row after row. A page is decoded once for its rows, and its size is bounded.
//
// A subset has the schema, the key-value metadata and the codecs of its source. Parts are row groups. The end of the
// file is made from the notes of the parts.
package hfparquet
