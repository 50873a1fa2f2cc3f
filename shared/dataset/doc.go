// Package dataset reads and writes files of instruction-tuning data. It finds the records of a manifest, checks their
// structure, and copies them without changing a byte.
//
// The text of a manifest is a JSON array of records, an object that contains this array, JSONL, or a series of JSON
// objects. In one pass, Split finds the format, reports a file of another kind, and divides the manifest into ranges. A
// Reader yields the samples of one range. A Writer writes raw records as an array or JSONL. WriteShard, ReadShard and
// ReadRecords write and read shards, in the format that README.md describes. A fault of a record becomes the Problem of
// its sample, and does not affect other samples. Only a manifest whose records cannot be separated is refused as a
// whole, with a FormatError. Package forms interprets the content of records, and gives a Reader its Parser. Package
// images reads the images that samples name.
package dataset
