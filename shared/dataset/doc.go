// Package dataset is the form of instruction-tuning data: it finds the records of a manifest, checks
// their structure, and reads and writes them without changing a byte.
//
// A manifest is a JSON array of records, or JSONL. Split fixes its ranges in one pass, a Reader
// yields the samples of one range, a Writer writes raw records back in either format, and
// WriteShard and ReadShard carry samples from one function to the next. A fault of a record is the
// Problem of its sample and fails nothing else; only a manifest whose records cannot be separated
// is refused as a whole, with a FormatError. The images that samples name are the subject of package images.
package dataset
