// Package controltest tests the routes for business servers on their parts: the
// real keeper on a real database, the simulator as WeChat, real API keys.
package controltest
