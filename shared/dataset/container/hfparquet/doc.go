// Package hfparquet is Parquet files as Hugging Face's datasets library writes them: each row is a record, and images
// are in binary columns next to the texts, in structs {bytes, path}.
//
// Planning reads the footer. The JSON of rows is made without reading a column of images: which of them are null
// follows from the footer's counts, and from the column path next to them. Only where a file does not say it, the
// images are read too. Images are read row after row; a page is decoded once for its rows, and is bounded.
//
// A subset has the schema, the key-value metadata and the codecs of its source. Parts are row groups; the end of the
// file is made of the parts' notes.
package hfparquet
