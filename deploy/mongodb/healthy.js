// Health check of MongoDB, which also makes ready what a new volume does not have yet: the replica set of one
// (transactions need it) and the user of the customer service. It changes nothing that is there already.
const fs = require("fs");
const root = fs.readFileSync("/run/secrets/mongodb_root_password", "utf8").trim();
const admin = db.getSiblingDB("admin");
admin.auth("root", root);

try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] });
}
if (!db.hello().isWritablePrimary) quit(1); // elected within seconds; asked again then

const [, user, password] = fs.readFileSync("/run/secrets/customers_url", "utf8").match(/^mongodb:\/\/(\w+):(\w+)@/);
const customers = db.getSiblingDB("customers");
if (customers.getUser(user) === null) {
  customers.createUser({
    user, pwd: password,
    roles: [{ role: "readWrite", db: "customers" }, { role: "dbAdmin", db: "customers" }],
  });
}
