package embedded

// A topic is a semantic field to which English words of a conversation belong.
type topic int

const (
	place      topic = iota // positions of things
	geometry                // figures and their measures
	colour                  // colours
	quality                 // shape, size, material, state
	count                   // how many
	puzzle                  // rules, conditions, patterns
	setting                 // surroundings
	being                   // people and animals
	activity                // actions of people and animals
	identity                // names and kinds of things
	comparing               // more, less, equal
	cause                   // reasons and consequences
	society                 // history, culture, politics, places of the world
	science                 // mathematics, natural science, medicine, engineering
	data                    // charts, tables, figures
	writing                 // text in the image
	describing              // captions and descriptions
	form                    // requests for a form of the answer

	// Narrower fields.
	animal // animals
	food
	plant
	vehicle
	body     // parts of the body
	clothing // clothes
	indoors  // furniture and household
	street   // buildings and objects of streets
	nature   // landscape and weather
	sport
	music    // music, theatre, film
	visual   // painting, sculpture, architecture
	faith    // religion and myth
	past     // history
	ruling   // politics and law
	region   // countries, peoples, languages
	money    // business and prices
	medicine // illness and its treatment
	biology
	chemistry
	physics
	algebra
	statistics
	computing
	engineering
	paper       // documents and their parts
	screen      // programs and web pages
	brand       // products and signs
	calendar    // dates and durations
	emotion     // feelings and opinions
	pattern     // sequences, grids, games
	order       // steps and their order
	hedging     // perhaps, likely
	composition // parts and composition
	likeness    // words for images
	exact       // requests for precision
	nation      // names of countries and of their people
	action      // physical actions
	thought     // mental and spoken actions
	change      // changes of things
	relation    // spatial relations
	quantity    // amounts and units
	topicCount
)
