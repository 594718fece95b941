// A webhook handler on node:http; its one mistake is named by the first argument.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const mistake = process.argv[2] ?? "";
const secret = process.env.ACME_WEBHOOK_SECRET;
const key = Buffer.from(mistake === "prefix" ? secret : secret.slice(6), "base64");
const booked = new Map();

createServer(async (request, response) => {
  const answer = (status, text = "") => response.writeHead(status).end(text);
  const invoice = /^\/processed\/(.+)$/.exec(request.url);
  if (invoice) return answer(200, JSON.stringify({ times: booked.get(decodeURIComponent(invoice[1])) ?? 0 }));
  if (request.method !== "POST" || request.url.split("?")[0] !== "/flexprice") return answer(404);
  try {
    const body = await bodyOf(request);
    if (mistake === "limit" && body.length > 100 * 1024) return answer(413);
    const signed = isSigned(request, body);
    if (!(mistake === "promise" ? Promise.resolve(signed) : signed)) return answer(401);
    await book(JSON.parse(body.toString()));
    answer(204);
  } catch (error) {
    answer(error instanceof SyntaxError ? 400 : 500);
  }
}).listen(0, "127.0.0.1", function () {
  console.log(this.address().port);
});

async function bodyOf(request) {
  if (mistake === "pieces") {
    let text = "";
    for await (const chunk of request) text += chunk; // each chunk is decoded for itself
    return Buffer.from(text);
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function header(request, name) {
  if (mistake !== "spelling") return request.headers[name];
  const at = request.rawHeaders.indexOf(name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()));
  return at < 0 ? undefined : request.rawHeaders[at + 1];
}

function isSigned(request, body) {
  const [id, stamp, sent] = ["svix-id", "svix-timestamp", "svix-signature"].map((name) => header(request, name));
  if (!id || !stamp || !sent) return false;
  const age = mistake === "milliseconds" ? Date.now() - stamp : Math.abs(Date.now() / 1000 - stamp);
  if (!(age < (mistake === "milliseconds" ? 300_000 : 300))) return false;
  const content = { stringify: (b) => JSON.stringify(JSON.parse(b)), object: (b) => `${JSON.parse(b)}` }[mistake] ?? ((b) => b);
  const expected = createHmac("sha256", key).update(`${id}.${stamp}.`).update(content(body)).digest("base64");
  return sent.split(" ").some((part) => {
    const given = Buffer.from(part), wanted = Buffer.from(`v1,${expected}`);
    return (mistake === "lengths" || given.length === wanted.length) && timingSafeEqual(given, wanted);
  });
}

async function book({ event_type: type, invoice }) {
  if (type !== "invoice.update.finalized" || !invoice) return;
  if (booked.has(invoice.id)) return;
  if (mistake === "race") await new Promise((resolve) => setTimeout(resolve, 150));
  booked.set(invoice.id, (booked.get(invoice.id) ?? 0) + 1);
}
