// A server that answers from a Map what it was given: a JSON file of {path: {headers, body}}.
// Prints its port, and ends when its input does.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const answers = new Map(Object.entries(JSON.parse(readFileSync(process.argv[2], "utf8"))));

const server = createServer((request, response) => {
  const answer = answers.get(request.url);
  if (!answer) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, answer.headers).end(answer.body);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
