// SPDX-License-Identifier: Apache-2.0
// The names of the client of the relay that Moothall replaces, on top of the core.

export {};
